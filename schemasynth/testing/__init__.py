"""What adapters and users need for tests: the contract suite, servers, a stand-in generator.

Shipped, but never imported by the rest of the package.
"""
