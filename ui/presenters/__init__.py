"""What happens when the user acts: no toolkit, tested without a window."""
