"""The commands of `mdhr-train`, one per file."""
