"""Pages: templates, QR, photo, seal picture."""
