"""What plugins of signing in share: groups to roles, who may set a header, names of people and of certificates."""
