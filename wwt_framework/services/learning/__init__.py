"""Learning from what operators did: the history, its files, honest splits, scores, trained models, predictions."""
