"""What goes wrong around a policy: faults that strike an episode, so that recovery can be trained and measured."""
