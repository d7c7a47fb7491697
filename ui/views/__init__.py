"""What a presenter may ask of a view: protocols, free of any toolkit."""
