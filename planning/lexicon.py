"""The English that plans are read from: closed lists of words, each with what it tells.

An ask is recognised by an imperative, and a language has too many nouns that look like one for anything but
a list to be trusted. A word that is missing here costs a split that could have been made, never a wrong one.
"""

from __future__ import annotations

from typing import Final

#: Verbs that ask for something new: what follows is a thing to be made.
CREATING: Final = frozenset(
    """assemble compose create deliver design draft formulate generate give make prepare produce propose
    provide record write""".split()
)
#: Verbs that ask for a piece of work. Words that more often describe what a made thing does (read, return,
#: handle) or how an answer should be (use, keep, include) are left out.
ACTIONS: Final = CREATING | frozenset(
    """adapt aggregate analyse analyze annotate answer arrange assemble assess assign audit automate benchmark
    brainstorm build calculate categorise categorize check choose cite classify clean collect combine
    compare compile compute conclude condense conduct configure consolidate convert correct count
    critique curate debug decide define deliver deploy derive describe determine develop diagnose
    discuss document edit elaborate enumerate establish estimate evaluate examine expand explain explore
    extract fetch finalise finalize find fix forecast formulate gather get group highlight identify
    illustrate implement improve inspect install integrate interpret interview investigate judge list
    locate map measure merge migrate model monitor name negotiate obtain optimise optimize organise
    organize outline paraphrase pick plan plot polish predict present prioritise prioritize profile
    proofread prove publish quantify query rank rate recommend refactor refine remove rename reorganise
    reorganize repair rephrase report research resolve restructure review revise rewrite run schedule
    score search select send shorten simplify simulate sketch solve sort specify split study submit
    suggest summarise summarize survey synthesise synthesize tabulate tag tally test trace train
    transcribe translate troubleshoot update upgrade validate verify visualise visualize""".split()
)
#: Verbs that ask for work only before something new: "make a list", but "make it short".
BEFORE_NEW: Final = frozenset({"give", "make", "provide"})
#: Verbs of an undertaking, whose steps may stand behind a colon; "write an essay: ..." may tell its contents.
UNDERTAKINGS: Final = frozenset(
    """build complete deploy develop help launch migrate organise organize plan prepare publish release run
    ship""".split()
)
#: Verbs that tell what is done in an undertaking, and hardly ever what the thing made by it does.
STEPS_OF_WORK: Final = CREATING | frozenset(
    """assign book brainstorm build choose collect compare configure define deploy develop document edit
    establish evaluate fix find gather identify implement improve install interview investigate launch measure
    migrate organise organize outline pick plan present prioritise prioritize proofread publish refactor
    research review run schedule select sketch specify study submit survey test train update upgrade
    verify""".split()
)
#: Of `SHARED_NAMES`, those that may also stand above work.
NAMES_OF_EITHER: Final = frozenset(
    "article articles code content data document email letter materials output sources story text".split()
)
#: Those of `ACTIONS` that are no nouns as well.
PLAIN_VERBS: Final = frozenset(
    """adapt aggregate analyse analyze annotate assemble assess assign automate brainstorm build calculate
    categorise categorize choose cite classify clean collect combine compare compile compose compute
    consolidate convert create curate decide define deploy derive describe determine develop diagnose
    discuss edit elaborate enumerate establish evaluate examine expand explain explore extract finalise
    finalize find fix formulate gather generate identify illustrate implement improve inspect integrate
    interpret investigate locate optimise optimize paraphrase predict prepare prioritise prioritize
    produce proofread propose prove publish quantify recommend refactor rename reorganise reorganize
    rephrase resolve restructure revise rewrite shorten simulate solve specify suggest summarise
    summarize synthesise synthesize tabulate transcribe translate troubleshoot validate verify visualise
    visualize write""".split()
)
#: Verbs after which there is something new or changed, of which later words may speak.
MAKING: Final = CREATING | frozenset(
    """adapt assemble build choose clean collect combine consolidate convert develop edit expand explore
    extract find fix gather identify implement improve list locate merge migrate outline pick plan
    propose recommend refactor remove rename restructure revise rewrite select translate update
    upgrade""".split()
)
#: Verbs of looking and finding: what is made next, and is about nothing else, is made of what they found.
GATHERING: Final = frozenset(
    """analyse analyze assess audit collect compare evaluate examine explore extract fetch find gather get
    identify inspect interview investigate list measure obtain profile query research review search
    study survey""".split()
)
#: Verbs that say how something should be, not what to do next.
KEEPERS: Final = frozenset(
    """add allow always apply assume avoid be begin cite consider cover do don't end ensure exclude finish
    focus follow format ignore imagine include keep leave let limit maintain make mention mind never no
    note omit only optionally pay pretend put quote refer reference remember reply respect respond
    return show skip speak start stay stick structure think treat try use wrap""".split()
)
#: Verbs that tell, after "to", what a thing is for: "a script to load the file".
INFINITIVES: Final = (
    ACTIONS
    | KEEPERS
    | frozenset(
        """accept ask become bring buy call cancel carry change close come connect copy cut delete display
        do download eat enter execute export fetch filter get give go grow handle have help import
        install join know learn live load log look lose manage move need open order own parse pass play
        prevent print process protect provide push raise reach read receive reduce render replace run
        save see sell send set share ship sleep spend split store support take talk tell think travel
        understand upload validate view visit wait want watch win work""".split()
    )
)
#: A word of either kind that is followed by one of these is a noun: "Research shows", "Test results are".
FINITE: Final = frozenset(
    """are can could depends did do does had has have indicate indicates is may means might must need needs of
    remains say says seems shall should show showed shows suggest suggests was were will would""".split()
)
#: How a thing that is asked for begins.
DETERMINERS: Final = frozenset(
    """a all an another any anything both each eight either every everything five four her him his how if it
    its me my nine one our seven six some something ten that the their them these they this those three
    two us what when where whether which who why your""".split()
)
#: How a new thing begins.
INDEFINITE: Final = frozenset(
    "a an another one two three four five six seven eight nine ten some several".split()
)
#: What is handed in by itself, in the singular; "a man with a dog and a girl" are none of these.
TEXTS: Final = frozenset(
    """abstract advert advertisement agenda analysi announcement answer appendix article benchmark
    bibliography
    bio biography blurb brief briefing brochure budget calendar caption card changelog chapter chart
    cheatsheet checklist class comparison component conclusion config contract course cv dashboard deck
    description diagram dialogue digest document documentation draft email epilogue essay estimate
    evaluation exam explanation faq figure flyer footnote forecast foreword form function glossary graph
    guide haiku handout headline index infographic interview introduction invitation invoice itinerary
    jingle joke kit leaflet lesson letter limerick list listing logo manual map memo menu message
    migration mockup module monologue newsletter note notice outline overview page pamphlet paper
    paragraph persona pipeline pitch plan playlist poem policy post poster preface prediction
    presentation procedure profile prologue proposal query questionnaire quiz ranking readme recipe
    recommendation release reply report response resume review roadmap scene schedule schema script
    section sheet sketch slide slogan song sonnet specification speech spreadsheet statement story
    storyboard strategy summary survey syllabus table tagline template test testimonial text thread
    timeline title toast transcript translation tutorial tweet video wireframe workflow worksheet""".split()
)
#: Verbs that put in another form what there is.
TRANSFORMING: Final = frozenset(
    """calculate categorise categorize choose classify clean compute convert count group merge pick prioritise
    prioritize rank restructure score select sort tabulate""".split()
)
PREPOSITIONS: Final = frozenset(
    """about above across after against along among around as at based before behind below beneath beside
    between beyond by comparing concerning covering describing despite during except explaining for from
    in including inside into like near of off on onto out outside over per regarding showing since that
    through to toward towards under until upon using via where which who whose with within without""".split()
)
#: Prepositions whose object is what something is made from.
SOURCES: Final = ("from", "using", "against", "based on", "according to", "on the basis of", "out of")
#: Words before the verb that only ask nicely or say in what manner.
POLITENESS: Final = (
    r"(?:please|kindly|(?:can|could|would|will) you(?: please)?|i(?:'d|’d| would) like you to"
    r"|i (?:want|need) you to|you (?:should|need to|have to)|we need to|let(?:'|’)?s|your (?:task|job) is to)"
)
#: The noun a verb leaves behind, by which later words refer to it.
NOUNS_OF: Final[dict[str, tuple[str, ...]]] = {
    "analyse": ("analysis",),
    "analyze": ("analysis",),
    "assess": ("assessment",),
    "build": ("build",),
    "calculate": ("calculation", "figures"),
    "collect": ("collection", "data"),
    "compare": ("comparison",),
    "design": ("design",),
    "draft": ("draft",),
    "estimate": ("estimate", "estimates"),
    "evaluate": ("evaluation",),
    "extract": ("extract", "data"),
    "gather": ("data",),
    "implement": ("implementation", "code"),
    "investigate": ("investigation",),
    "list": ("list",),
    "outline": ("outline",),
    "plan": ("plan",),
    "rank": ("ranking",),
    "recommend": ("recommendation",),
    "research": ("research", "facts"),
    "review": ("review",),
    "rewrite": ("text", "rewrite"),
    "select": ("selection",),
    "summarise": ("summary", "summaries"),
    "summarize": ("summary", "summaries"),
    "survey": ("survey",),
    "translate": ("translation", "translations"),
}
#: Nouns of a text that is handed over with the ask, and may say anything.
MATERIAL: Final = (
    r"(?:abstract|article|chapter|chat|code|content|conversation|document|e-?mail|essay|excerpt|function"
    r"|input"
    r"|instructions?|letter|logs?|mail|message|minutes|notes?|page|paragraph|passage|poem|post|prompt|recipe"
    r"|report|script|snippet|speech|story|text|thread|transcript)s?"
)
#: Headings and introductions of what holds for everything, and is no work of its own.
SHARED_NAMES: Final = frozenset(
    """acceptance article assumptions audience background boundaries code conditions constraints content
    context criteria data definition details do-nots document don'ts email example examples facts format
    formatting glossary guidelines hints information input inputs letter limits links material materials
    notes out-of-scope output preferences references remarks requirements resources restrictions rules
    scope sources specification story style text tips tone transcript""".split()
)
#: Introductions after which a list is work.
WORK_NAMES: Final = frozenset(
    """actions agenda assignments deliverables do following items jobs parts plan please points questions
    stages steps tasks things to-do to-dos todo todos work""".split()
)
