"""What is chosen from data besides the weights: the representative set and the operating threshold."""
