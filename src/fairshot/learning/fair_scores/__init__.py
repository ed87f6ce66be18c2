"""Fairer scores for new items: post-processors of a cold-start model's scores, learnt from known items."""
