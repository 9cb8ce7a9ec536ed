"""What several CMS plugins share; no plugin itself."""
