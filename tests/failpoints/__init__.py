"""The portal is killed between any two steps of arriving, and what it has promised is checked."""
