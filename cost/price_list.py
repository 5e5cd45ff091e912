"""The price list of the genai-prices package, as our prices.

The package is imported when the first price is looked up: it takes a fifth of a second and some 10 MB, which
a home that only asks a model on its own machine never spends. It reads its own data and fetches nothing.
"""

from __future__ import annotations

from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from cost.price import Price, Step

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation, TieredPrices

#: Micro-dollars a call, from dollars per thousand calls.
_PER_CALL = 1000


def listed_price(model: str, provider: str | None, endpoint: str) -> tuple[Price, str] | None:
    """The price of a model at the provider of that name, or whose address `endpoint` is, and its source.

    None where the list has no such provider or model, or lacks one of its prices.
    """
    try:
        found = _look_up(model, provider, endpoint)
    except (LookupError, ValueError):
        return None
    price = _our_price(found.model_price)
    if price is None:
        return None
    return price, f"genai-prices {version('genai-prices')}: {found.provider.id}, {found.model.id}"


def _look_up(model: str, provider: str | None, endpoint: str) -> PriceCalculation:
    from genai_prices import Usage, calc_price  # noqa: PLC0415  see above

    nothing = Usage(input_tokens=0, output_tokens=0)
    if provider is not None:
        return calc_price(nothing, model, provider_id=provider)
    return calc_price(nothing, model, provider_api_url=endpoint)


def _our_price(found: ModelPrice) -> Price | None:
    """Prices of caches, searches and media are left out: Skep asks for none of them."""
    read, written = found.input_mtok, found.output_mtok
    if read is None or written is None:
        return None
    starts = sorted({start for price in (read, written) for start in _starts(price)})
    steps = tuple(Step(start, _price_above(read, start), _price_above(written, start)) for start in starts)
    per_call = found.requests_kcount
    call = _price_above(per_call, 0) * _PER_CALL if per_call is not None else Decimal(0)
    return Price(_base(read), _base(written), call, steps)


def _starts(price: Decimal | TieredPrices) -> list[int]:
    return [] if isinstance(price, Decimal) else [tier.start for tier in price.tiers]


def _base(price: Decimal | TieredPrices) -> Decimal:
    return price if isinstance(price, Decimal) else price.base


def _price_above(price: Decimal | TieredPrices, start: int) -> Decimal:
    """The price that holds just above so many prompt tokens."""
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= start]
    return reached[-1] if reached else price.base
