"""The fleet: which boxes exist, who they are to the broker, what they are told to be."""
