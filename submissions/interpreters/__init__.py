"""Work for interpreters: the queue by language, files to translate by hand, and what comes back."""
