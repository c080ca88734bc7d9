this is { not python
