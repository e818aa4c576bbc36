"""One module per layer; each makes its assets from contracts or SQL files."""
