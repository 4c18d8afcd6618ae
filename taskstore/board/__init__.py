"""What a screen needs that stays open, the web page and the terminal's alike: a listing that follows, and actions."""
