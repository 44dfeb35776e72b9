"""The app of the guide's samples."""
