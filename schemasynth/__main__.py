"""Makes `python -m schemasynth` the command line. Imported by nothing."""

from schemasynth.cli import main

if __name__ == "__main__":
    main()
