"""Values that flow through the product: immutable, validated where they are made."""
