defmodule PgEtf.Decode.Type.Geometry do
  @moduledoc false
  # Points and what is made of them, as the structs of Postgrex.

  @behaviour PgEtf.Decode.Type.Family

  @impl true
  def oids do
    [
      point: {600, 1017},
      line_segment: {601, 1018},
      path: {602, 1019},
      box: {603, 1020},
      polygon: {604, 1027},
      line: {628, 629},
      circle: {718, 719}
    ]
  end

  @impl true
  def finisher(:point, _typmod), do: &point/1
  def finisher(:line, _typmod), do: &line/1
  def finisher(:line_segment, _typmod), do: &line_segment/1
  def finisher(:box, _typmod), do: &box/1
  def finisher(:path, _typmod), do: &path/1
  def finisher(:polygon, _typmod), do: &polygon/1
  def finisher(:circle, _typmod), do: &circle/1

  # Besides floats a coordinate may be one of :NaN, :inf and :"-inf".
  defguardp is_coordinate(x) when is_float(x) or x in [:NaN, :inf, :"-inf"]

  defp point({x, y}) when is_coordinate(x) and is_coordinate(y) do
    %{__struct__: Postgrex.Point, x: x, y: y}
  end

  defp point(other), do: other

  defp line({a, b, c}), do: %{__struct__: Postgrex.Line, a: a, b: b, c: c}
  defp line(other), do: other

  defp line_segment({{_, _} = point1, {_, _} = point2}) do
    %{__struct__: Postgrex.LineSegment, point1: point(point1), point2: point(point2)}
  end

  defp line_segment(other), do: other

  defp box({{_, _} = upper_right, {_, _} = bottom_left}) do
    %{
      __struct__: Postgrex.Box,
      upper_right: point(upper_right),
      bottom_left: point(bottom_left)
    }
  end

  defp box(other), do: other

  defp path({state, points}) when state in [:open, :closed] do
    %{__struct__: Postgrex.Path, open: state == :open, points: Enum.map(points, &point/1)}
  end

  defp path(other), do: other

  defp polygon([{_, _} | _] = points) do
    %{__struct__: Postgrex.Polygon, vertices: Enum.map(points, &point/1)}
  end

  defp polygon(other), do: other

  defp circle({{_, _} = center, radius}) do
    %{__struct__: Postgrex.Circle, center: point(center), radius: radius}
  end

  defp circle(other), do: other
end
