"""The command lines of the runtime, and what all command lines share."""
