"""What predictors have in common: rows, features, fitting, files; no plugin itself."""
