"""The endpoints of SharinPix, a module for each kind of record."""
