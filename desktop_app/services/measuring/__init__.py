"""What is measured of labels: volumes, diameters, lesions, places."""
