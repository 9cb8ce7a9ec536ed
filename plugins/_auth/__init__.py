"""What plugins of signing in share: groups to roles, who may set a header, names, what was posted."""
