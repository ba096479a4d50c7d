"""Where records live: providers behind one interface."""
