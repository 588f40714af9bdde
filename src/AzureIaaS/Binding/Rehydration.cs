using System.Collections;
using System.Management.Automation;
using System.Reflection;
using AzureIaaS.Simulation;

namespace AzureIaaS.PowerShell;

/// <summary>Makes an object again of what a job or a file has made of it: a bag of the same properties.</summary>
internal static class Rehydration
{
    /// <summary>Makes the object.</summary>
    /// <param name="bag">The bag.</param>
    /// <param name="type">The object's type: a plain class with settable properties.</param>
    /// <returns>The object; what the bag has no longer keeps its default.</returns>
    public static object? Of(PSObject bag, Type type)
    {
        var made = Activator.CreateInstance(type);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.CanWrite && bag.Properties[property.Name]?.Value is { } value && Value(value, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) is { } converted)
                property.SetValue(made, converted);
        }

        return made;
    }

    private static object? Value(object value, Type type)
    {
        if (type == typeof(Law))
            return Law.TryParse(PSObject.AsPSObject(value).ToString(), out var law) ? law : null;
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IList<>))
            return Items(value, type.GetGenericArguments()[0]);
        if (type == typeof(IDictionary<string, string>))
            return Pairs(value);
        if (LanguagePrimitives.TryConvertTo(value, type, out var converted) && converted is not null && (type.IsValueType || type == typeof(string)))
            return converted;
        return type.IsClass && type != typeof(string) && type.GetConstructor(Type.EmptyTypes) is not null ? Of(PSObject.AsPSObject(value), type) : null;
    }

    private static IList? Items(object value, Type type)
    {
        // A file that was written to a small depth has text in place of a list.
        if ((value is PSObject wrapped ? wrapped.BaseObject : value) is not IEnumerable items || items is string)
            return null;
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(type))!;
        foreach (var item in items)
        {
            if (item is not null && Value(item, type) is { } made)
                list.Add(made);
        }

        return list;
    }

    private static Dictionary<string, string>? Pairs(object value) => (value is PSObject wrapped ? wrapped.BaseObject : value) is IDictionary pairs
        ? pairs.Cast<DictionaryEntry>().ToDictionary(p => p.Key.ToString() ?? "", p => p.Value?.ToString() ?? "") : null;
}
