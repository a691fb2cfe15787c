"""A Django project with what the public doors are measured beside: a bare view, and django-dynamic-qr."""
