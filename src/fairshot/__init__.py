"""fairshot: a recommender for two sides, a feed worth people's time and a fair chance for every creator."""

__version__ = "0.1.0"
