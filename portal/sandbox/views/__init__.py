"""The sandbox's pages and answers. None asks for a sign-in, as Leap's own do not know the portal's people."""
