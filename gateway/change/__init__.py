"""Change without fear: what a new site file would change, its history, its trial, and the way back."""
