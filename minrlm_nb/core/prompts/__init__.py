"""The texts a model is given, by prompt profile; versioned, static text first."""
