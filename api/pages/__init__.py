"""The pages: rendered here, in Chinese first and in English, legible without script."""
