//! Generating: the lowered document to Rust source, with progenitor.

use std::fmt::Display;

use openapiv3::{OpenAPI, ReferenceOr, Schema, SchemaKind, Type};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypePatch};

/// Types that are not generated, and what the bindings use in their place:
/// (schema, Rust path). A status in a body is any number: the status line counts.
const REPLACED: [(&str, &str); 4] = [
    ("DateOfPurchase", "crate::model::payment::DateOfPurchase"),
    ("PaymentStatus", "crate::model::payment::PaymentStatus"),
    ("ResourceType", "crate::model::resource::ResourceType"),
    ("StatusNumber", "::serde_json::Number"),
];

/// Types that the generator writes.
const GENERATED: [&str; 3] =
    ["ErrorResponsePayload", "GetPaymentsResponseBody", "PaymentInformation"];

/// Generates the client and the models, formatted.
///
/// # Errors
///
/// One line: what the generator refused, or what its output lacks.
pub fn bindings(lowered: &OpenAPI) -> Result<String, String> {
    // What the generator cannot take it often panics about; that must not reach
    // a user as a backtrace.
    std::panic::catch_unwind(|| generate(lowered)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("nothing about why");
        Err(format!("the generator gave up, saying: {said}"))
    })
}

fn generate(lowered: &OpenAPI) -> Result<String, String> {
    let tokens = Generator::new(&settings()?).generate_tokens(lowered).map_err(refused)?;
    let mut file = syn::parse2(tokens).map_err(not_rust)?;
    describe_fields(&mut file, lowered);
    let text = prettyplease::unparse(&file);
    check(&text)?;
    Ok(text)
}

/// Documents the fields that the generator leaves without: those whose schema is a
/// component of its own. They get the description of that component.
fn describe_fields(file: &mut syn::File, lowered: &OpenAPI) {
    for module in file.items.iter_mut().filter_map(module) {
        for item in module {
            let syn::Item::Struct(generated) = item else { continue };
            let name = generated.ident.to_string();
            for field in &mut generated.fields {
                let Some(property) = field.ident.as_ref().map(ToString::to_string) else {
                    continue;
                };
                let described = field.attrs.iter().any(|it| it.path().is_ident("doc"));
                if let (false, Some(text)) = (described, description(lowered, &name, &property)) {
                    field.attrs.insert(0, syn::parse_quote!(#[doc = #text]));
                }
            }
        }
    }
}

/// The items of a module.
fn module(item: &mut syn::Item) -> Option<&mut Vec<syn::Item>> {
    match item {
        syn::Item::Mod(module) => module.content.as_mut().map(|(_, items)| items),
        _ => None,
    }
}

/// What the document says about the component that a property refers to.
fn description<'a>(lowered: &'a OpenAPI, schema: &str, property: &str) -> Option<&'a str> {
    let component = |name: &str| lowered.components.as_ref()?.schemas.get(name)?.as_item();
    let SchemaKind::Type(Type::Object(object)) = &component(schema)?.schema_kind else {
        return None;
    };
    let reference = match object.properties.get(property)? {
        ReferenceOr::Reference { reference } => reference,
        // How OpenAPI 3.0 writes a reference that has a default.
        ReferenceOr::Item(schema) => match &schema.schema_kind {
            SchemaKind::AllOf { all_of } => match &all_of[..] {
                [ReferenceOr::Reference { reference }] => reference,
                _ => return None,
            },
            _ => return None,
        },
    };
    let named: &Schema = component(reference.strip_prefix("#/components/schemas/")?)?;
    named.schema_data.description.as_deref()
}

pub(crate) fn settings() -> Result<GenerationSettings, String> {
    let transport = "crate::platform::attempt::AttemptContext".parse();
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Positional)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(transport.map_err(|error| format!("{error}"))?)
        .with_derive("PartialEq")
        .with_derive("Eq")
        .with_derive("Hash");
    for (schema, path) in REPLACED {
        settings.with_replacement(schema, path, std::iter::empty());
    }
    // One output for all features, so that a snapshot of it is stable.
    let mut patch = TypePatch::default();
    patch
        .with_attr(r#"#[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]"#)
        .with_attr("#[non_exhaustive]");
    for name in GENERATED {
        settings.with_patch(name, &patch);
    }
    Ok(settings)
}

pub(crate) fn refused(error: impl Display) -> String {
    format!("the generator refused the document: {error}")
}

pub(crate) fn not_rust(error: impl Display) -> String {
    format!("the generator wrote something that is not Rust: {error}")
}

/// What the client relies on, and what progenitor would leave out in silence.
fn check(text: &str) -> Result<(), String> {
    for (schema, path) in REPLACED {
        if !text.contains(path) {
            return Err(format!(
                "the bindings do not use `{path}`; the schema `{schema}` is missing or inline"
            ));
        }
    }
    for name in GENERATED {
        if !text.contains(&format!("pub struct {name} ")) {
            return Err(format!("the bindings lack the type `{name}`"));
        }
    }
    match ["f64", "f32"].iter().find(|float| text.contains(*float)) {
        Some(float) => Err(format!(
            "the bindings contain the float type `{float}`, which changes numbers above 2^53"
        )),
        None => Ok(()),
    }
}
