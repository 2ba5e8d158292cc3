"""The commands of `mdhr-train`, one per file. Heavy libraries are imported when a command runs."""
