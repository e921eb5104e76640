"""The vault held against a plain model: deposits, decisions and questions in any order."""
