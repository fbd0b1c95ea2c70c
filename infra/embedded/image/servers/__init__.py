"""Local servers that stand in for engine images: the llama.cpp server with a real model, and a simulator."""
