"""Episodes in other people's formats, and other people's trajectories as episodes. One file a format."""
