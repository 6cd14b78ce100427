"""The embedded model: fetched once, trusted by its hash, served by llama.cpp in a child process on loopback."""
