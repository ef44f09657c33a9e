"""From the words of a question to what they name in a graph."""
