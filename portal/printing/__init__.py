"""Data in, bytes out: QR codes, sheets of labels, and their proof. Plain Python; knows nothing of Django or Leap."""
