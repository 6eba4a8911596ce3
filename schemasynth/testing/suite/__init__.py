"""The contract that every adapter must keep: subclass each class and give it databases.

    class TestReflection(ReflectionContract):
        adapter = MyAdapter

with a fixture ``databases``: a callable that returns the URL of a new, empty database. What an
adapter declares not to have is skipped by the name of the capability. Imported by tests only.
"""

from schemasynth.testing.suite.loading import LoadContract
from schemasynth.testing.suite.reading import ReadContract
from schemasynth.testing.suite.reflection import ReflectionContract
from schemasynth.testing.suite.safety import SafetyContract

__all__ = ["LoadContract", "ReadContract", "ReflectionContract", "SafetyContract"]
