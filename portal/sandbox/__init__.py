"""Acts as Leap over HTTP, so that the whole journey can be rehearsed on one machine (R3, R11).

It shares no code with the rest of the portal, and nothing imports it: a simulator built from the client's code would
repeat the client's misreadings. What it knows of Leap comes from Leap's published pages and API descriptions.
"""
