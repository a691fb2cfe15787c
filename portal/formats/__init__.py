"""How dates and times are written where Django chooses: its own admin, and filters without a format."""
