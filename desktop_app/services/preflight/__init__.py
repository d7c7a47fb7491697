"""A look at the images before they are segmented: lights and sentences, never a silent guess."""
