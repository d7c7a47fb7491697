"""From a path to the volumes of the four sequences of one patient."""
