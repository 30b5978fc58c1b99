"""What leaves the desk as a file: each view with its original, its English and how far that is trusted."""
