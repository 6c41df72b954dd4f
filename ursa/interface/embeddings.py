"""Registering and searching embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.catalog.schemas import EmbeddingRow
from ursa.interface.opened import OpenedSite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import pyarrow as pa

    from ursa.catalog.schemas import EmbeddingSource, TimeWindow
    from ursa.catalog.vectors import Metric
    from ursa.embeddings import EmbeddingHits, Recordings
    from ursa.interface.opened import Metadata


class Embeddings(OpenedSite):
    """Embeddings, added and searched."""

    def register_embedding(
        self,
        *,
        embedding_id: str,
        model: str,
        vector: Sequence[float],
        source: str | EmbeddingSource,
        window: tuple[float, float] | TimeWindow | None = None,
        created_at: int | datetime | None = None,
        metadata: Metadata | None = None,
    ) -> EmbeddingRow:
        """Add an embedding; an equal row is returned. For many, see `register_embeddings`.

        Parameters
        ----------
        source : str or EmbeddingSource
            The hash of the recording, or recording, modality and worker.
        window : (float, float) or TimeWindow, optional
            Seconds from the recording's start; by default all of it.
        created_at : int (ns since the epoch) or aware datetime, optional
            By default now, or when the equal row was.

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists, CatalogSchemaError
        """
        self.register_embeddings(
            vectors=[vector],
            ids=[embedding_id],
            model=model,
            sources=[source],
            windows=[window],
            created_at=created_at,
            metadata=[metadata or {}],
        )
        key = (embedding_id,)
        return self.catalog.table(EmbeddingRow).get_many([key])[key]

    def register_embeddings(
        self,
        rows: Iterable[EmbeddingRow] | pa.Table | None = None,
        *,
        vectors: Any = None,
        ids: Iterable[str] | None = None,
        model: str | Iterable[str] | None = None,
        sources: str | EmbeddingSource | Iterable[str | EmbeddingSource] | None = None,
        windows: Iterable[tuple[float, float] | TimeWindow | None] | None = None,
        created_at: int | datetime | Iterable[int | datetime] | None = None,
        metadata: Metadata | Iterable[Metadata] | None = None,
    ) -> int:
        """Add many embeddings in few commits and return how many of them are new.

        Give `rows`, or `vectors` with columns for the rest, in which a single value holds for
        all. Running it again changes nothing. All embeddings of a catalog have one size.

        Parameters
        ----------
        rows : iterable of EmbeddingRow, or pyarrow.Table
            A table has columns named like the fields of `EmbeddingRow`; ``source`` may be the
            recording's hash, and ``window``, ``created_at`` and ``metadata`` may be missing.
        vectors : NumPy matrix, or sequence of sequences of numbers
            One row for each embedding, stored as float32.
        ids : iterable of str
            One id for each: letters, digits, ``_`` and ``-``.
        model : str or iterable of str
            What computed them. Only embeddings of one model can be compared.
        sources : str, EmbeddingSource, or iterable of these
            Hashes of recordings, or recording, modality and worker.
        windows : iterable of (float, float), TimeWindow or None, or matrix of two columns, optional
            Seconds from the recording's start; None, the default, means all of it.
        created_at : int (ns since the epoch), aware datetime, or iterable of these, optional
            By default now; those that are stored keep their time.
        metadata : mapping or iterable of mappings, optional

        Raises
        ------
        WritesNotEnabled
        InvalidArgument
            A value breaks a rule, like a NaN in a vector.
        CatalogSchemaError
            The vectors are of several sizes, or of another one than those stored.
        CatalogRowExists
            A different embedding has one of the ids; no embedding of this call is added.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.register_embeddings(
        ...     vectors=np.eye(3),
        ...     ids=["e0", "e1", "e2"],
        ...     model="demo",
        ...     sources="a" * 64,
        ...     windows=[(0, 5), (5, 10), (10, 15)],
        ... )
        3
        """
        from ursa.register.columns import batch_of
        from ursa.register.embeddings import put_embeddings

        self._writing("register_embeddings", "assets_rw")
        batch = batch_of(
            rows,
            vectors,
            ids=ids,
            model=model,
            sources=sources,
            windows=windows,
            created_at=created_at,
            metadata=metadata,
        )
        return put_embeddings(self._changing.table(EmbeddingRow), batch)

    def create_embedding_index(self) -> bool:
        """Make or renew the index that `search_embeddings` uses; return whether there is one.

        Up to 10 000 embeddings need none. Those added later are found all the same; call it again
        after many.

        Raises
        ------
        WritesNotEnabled
        """
        from ursa.catalog.vectors import index_embeddings

        self._writing("create_embedding_index", "assets_rw")
        table = self._changing.table(EmbeddingRow).opened()
        return table is not None and index_embeddings(table)

    def search_embeddings(
        self,
        vector: Any,
        k: int = 10,
        *,
        model: str | None = None,
        recordings: Recordings | None = None,
        modality: str | None = None,
        metadata: Metadata | None = None,
        metric: Metric = "cosine",
        exact: bool = False,
    ) -> EmbeddingHits:
        """Return the `k` embeddings nearest to `vector`, with their recordings and windows.

        `k` embeddings come back if so many meet the conditions.

        Parameters
        ----------
        vector : sequence of float
        k : int
        model : str, optional
            Search the embeddings of this model; needed where the catalog has several.
        recordings : QuerySpec, mapping of `query` keywords, or what `query` returned, optional
            Only embeddings of these recordings, each of which is shown as `query` would. Time
            windows choose recordings, not embeddings; ten thousand recordings take a while.
        modality : str, optional
            Only embeddings computed from this modality.
        metadata : mapping, optional
            Conditions on the embeddings' own metadata, as in `query`.
        metric : {"cosine", "l2"}
            One minus the cosine of the angle, from 0 to 2, or the Euclidean distance. Models are
            mostly trained for the former, in which the length of a vector does not count. An
            embedding of only zeros has no angle, and only ``"l2"`` finds it. The index is for
            cosine; ``"l2"`` compares all vectors.
        exact : bool
            Compare all vectors even where the index would find about all of the nearest faster.

        Raises
        ------
        InvalidArgument, CatalogSchemaError

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.register_embeddings(
        ...     vectors=np.eye(3), ids=["e0", "e1", "e2"], model="demo", sources="a" * 64
        ... )
        3
        >>> hits = data.search_embeddings([0, 1, 0.1], k=2)
        >>> [hit.embedding.embedding_id for hit in hits]
        ['e1', 'e2']
        """
        from ursa.embeddings import search

        return search(
            self.catalog,
            vector,
            k,
            model=model,
            recordings=recordings,
            modality=modality,
            metadata=metadata,
            metric=metric,
            exact=exact,
        )
