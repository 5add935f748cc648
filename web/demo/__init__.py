"""The demo installation: a made-up company's articles, an administrator, a dozen customers."""
