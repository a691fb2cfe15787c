"""Data in, bytes out: QR codes as SVG, PNG and PDF. Plain Python; knows nothing of Django or of Leap."""
