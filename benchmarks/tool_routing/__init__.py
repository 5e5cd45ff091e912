"""How well and how fast tools are found: tools, phrased requests, and a program that routes them."""
