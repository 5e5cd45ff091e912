"""How well and how fast tools are found: a set of tools, phrased requests, and a program that holds them together."""
